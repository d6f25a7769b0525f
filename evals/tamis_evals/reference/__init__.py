"""What others measured, measured again here: how far off are we?"""
