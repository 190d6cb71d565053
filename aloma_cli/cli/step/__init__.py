"""`aloma step …`"""
