"""A desktop's service of notifications, for tests: ``python -m tests.client.platform.desktop``.

It presses what it is shown.
"""

from __future__ import annotations

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME = "org.freedesktop.Notifications"
ME = DBusAddress("/org/freedesktop/Notifications", interface=NAME)


def main() -> None:
    """Serve until the bus ends."""
    connection = open_dbus_connection("SESSION")
    connection.send_and_get_reply(message_bus.RequestName(NAME))
    print("ready", flush=True)
    number = 0
    while True:
        message = connection.receive()
        if message.header.message_type is not MessageType.method_call:
            continue
        member = message.header.fields.get(HeaderFields.member)
        if member == "GetCapabilities":
            connection.send(
                new_method_return(message, "as", (["body", "body-markup", "actions", "inline-reply"],))
            )
        elif member == "Notify":
            _, replaces, _, title, text, actions, hints, _ = message.body
            number = replaces or number + 1
            connection.send(new_method_return(message, "u", (number,)))
            print("shown", number, title, text, ",".join(actions), sorted(hints), flush=True)
            if title == "press":
                connection.send(new_signal(ME, "ActionInvoked", "us", (number, "default")))
            if title == "answer":
                connection.send(new_signal(ME, "NotificationReplied", "us", (number, " On my way ")))
        elif member == "CloseNotification":
            connection.send(new_method_return(message))
            print("closed", *message.body, flush=True)
        else:
            connection.send(new_error(message, "org.freedesktop.DBus.Error.UnknownMethod"))


if __name__ == "__main__":
    main()
