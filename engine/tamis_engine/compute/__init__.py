"""Models in torch: packed attention, heads, tokens in and numbers out. Only here is torch imported."""
