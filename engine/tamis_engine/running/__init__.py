"""What happens to a request: cached, batched with others, run on a model that is made resident for it."""
