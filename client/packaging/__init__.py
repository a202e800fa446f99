"""What systems want beside the program: an icon, entries for menus and shops, and a program of one folder
(PyInstaller).
"""
