"""What views show, made from what is true, and what they ask for, carried out. No widget is imported here."""
