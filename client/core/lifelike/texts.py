"""What is said: small talk for long histories, and the ends of conversations as one sees them first."""

from __future__ import annotations

ENGLISH = (
    "Morning!",
    "Did you sleep well?",
    "Not really, the neighbours moved a piano at six.",
    "A piano? At six?",
    "Two men, one piano, forty-one steps. I counted.",
    "I am still at the office, back in an hour or so.",
    "No hurry.",
    "Could you bring milk?",
    "Sure. Oat or the real one?",
    "The real one, it is for the pancakes.",
    "👍",
    "😂😂",
    "Ha!",
    "On my way",
    "The 14:07 is cancelled, I take the one at 14:37.",
    "Then I wait at the café opposite the station, it is warmer there.",
    "Have you seen the new exhibition? They say the second floor is worth it, the first one is mostly labels and dim light, "
    "and the shop at the end is better than both.",
    "Let me check the calendar and come back to you this evening.",
    "Thursday works, Friday does not.",
    "Thursday then.",
    "I have read the draft twice now. The first part is **really** good; the part about tides could lose a page.",
    "Which page?",
    "Most of it *wants* to be a picture.",
    "Fair enough.",
    "What was the name of that place with the dumplings?",
    "https://dumplings.example/menu has it, closed on Mondays.",
    "Thanks!",
    "You are welcome 🙂",
    "ok",
    "See you there",
    "Do you still have the key for the bicycle shed?",
    "It hangs behind the door, under the umbrella.",
    "The build is red again, `make test` says that a socket is left open.",
    "Somebody forgets to close the second one.",
    "```\nfor step in range(41):\n    carry(piano)\n```",
    "That is the best code I have read this week.",
    "When do you land?",
    "Quarter past nine, if the wind is kind.",
    "I can pick you up.",
    "You are the best ❤️",
)
CHINESE = (
    "早！",
    "今天天气真好，要不要去爬山？",
    "好啊，几点出发？",
    "九点在地铁站见吧。",
    "没问题 👌",
    "记得带水和帽子。",
    "我已经到了，你呢？",
    "还有两站，等我五分钟。",
    "晚饭想吃什么？",
    "火锅！",
    "哈哈，就知道你会这么说。",
    "资料我看完了，第三章写得特别清楚，第四章的图还可以再大一点。",
    "好，我明天改。",
    "辛苦了",
    "周末有空吗？一起去看展览。",
    "周六可以，周日要加班。",
    "那就周六。",
    "照片发你了。",
    "太美了！在哪里拍的？",
    "黄山，日出的时候。",
    "下次一起去吧。",
    "一言为定。",
    "https://maps.example/黄山 路线在这里",
    "收到",
    "明天开会改到十点半。",
)
CAPTIONS = (
    "",
    "",
    "From this morning",
    "The view from up there",
    "",
    "日出",
    "Which one do you like better?",
    "",
)
FILES = (
    ("Harbour plan 1897.pdf", 4_812_377, "application/pdf"),
    ("notes.txt", 2_140, "text/plain"),
    ("会议纪要.docx", 48_213, "application/zip"),
    ("tides.csv", 913_002, "text/csv"),
    ("holiday-photos.zip", 734_003_200, "application/zip"),
    ("Budget 2027 (final) (2).xlsx", 88_712, ""),
)

ANNA = (
    (0, "Are we still on for tomorrow?"),
    (1, "Yes! Ten at the harbour?"),
    (1, "I bring the tripod"),
    (0, "Perfect."),
    (
        0,
        "The light should be good until noon, after that there are clouds coming in from the west. Wear something warm, "
        "the pier is windy even when the city is not.",
    ),
    (1, "Will do 🧣"),
    (0, "photo:The old crane, from last week"),
    (1, "Oh, that is **beautiful**."),
    (1, "Did you use the long lens?"),
    (0, "No, just the 35 mm and *patience*."),
    (0, "file:0"),
    (0, "And this is the plan I told you about, look at page 3."),
    (1, "Reading it on the train. The quay used to be where the market is now!"),
    (0, "I know 😄 https://maps.example/harbour/1897 has it as a layer."),
)
WANG = (
    (0, "周末的路线我整理好了"),
    (0, "photo:黄山日出"),
    (1, "哇，太漂亮了！"),
    (1, "我们几点出发？"),
    (0, "早上六点，地铁站 A 口。"),
    (1, "这么早 😴"),
    (0, "日出不等人 😄"),
    (1, "好吧，我带早饭。"),
)
GROUP = (
    (1, "Who brings the cake on Sunday?"),
    (2, "I can! Chocolate or lemon?"),
    (3, "lemon 🍋"),
    (0, "Lemon it is."),
    (2, "photo:Trial run"),
    (1, "That looks dangerous in the best way."),
    (3, "小雨也来吗？"),
    (1, "She does, with the little one."),
    (2, "Then I make two."),
)
BOT = (
    (0, "Nightly build **green**: 2,614 tests in 7 min 12 s."),
    (
        0,
        "Nightly build **red**: `tests.sdk.test_moving` failed.\n```\nAssertionError: 3 != 2\n"
        "  in test_both_are_told\n```\nhttps://builds.example/4711",
    ),
    (1, "On it."),
    (0, "Build 4712 **green**."),
)
MUM = (
    (0, "Did you eat?"),
    (1, "Yes, mum."),
    (0, "What?"),
    (1, "Soup 😇"),
    (0, "Soup is a drink."),
    (0, "Call me on Sunday, your aunt has news."),
    (1, "I will ❤️"),
)
YUSUF = (
    (0, "مرحبا لينا، كيف حالك؟"),
    (1, "Very well! And you?"),
    (0, "بخير، شكرا. هل وصلك الملف report-2.pdf؟"),
    (1, "Yes, thank you, reading it tonight."),
    (0, "ممتاز 👍"),
)
HOSTILE = (
    (
        0,
        "<h1>Your session ended</h1><a href='https://evil.example'>sign in again</a><img src='https://evil.example/pixel.png'>",
    ),
    (0, "<script>alert(1)</script> &lt;b&gt; &amp;amp; %s {0} \\n"),
    (0, "Open \u202egpj.stluser\u202c please \u2066\u2067\u2068 unbalanced \u202b and more"),
    (
        0,
        "Z"
        + "".join(chr(0x300 + n % 0x6F) for n in range(400))
        + "a"
        + "".join(chr(0x316 + n % 0x20) for n in range(400))
        + "lgo",
    ),
    (0, "😀" * 4096),
    (0, "W" * 4096),
    (0, "\n" * 2000 + "far below"),
    (0, "https://bank.example@evil.example/login?next=" + "a" * 900),
    (
        0,
        "javascript:alert(1) file:///etc/passwd data:text/html,x smb://evil.example/share http://xn--bcher-kva.example http://bücher.example",
    ),
    (0, "**" * 1500 + "`" * 500 + "*_" * 300),
    (0, "```never closed\n" + "x = 1\n" * 300),
    (0, "a\u0000b\u0007c\u001b[31mred\u007f \ufffe \U0010ffff"),
)
HOSTILE_NAMES = (
    "invoice\u202efdp.exe",
    "../../../../etc/passwd",
    "C:\\Windows\\system32\\cmd.exe",
    "con.txt",
    "a" * 255,
    ".bashrc",
    "x\n<b>y</b>.png",
)
