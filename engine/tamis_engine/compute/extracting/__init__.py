"""What a passage says of labels: names, questions or hypotheses, found in it as spans of characters."""
