"""The running program around the views: accounts that are open, the way in and out, menu, settings,
notifications. :mod:`client.program` builds these parts and joins them.
"""
