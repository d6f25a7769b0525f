"""Programs that train what is shipped; they are not shipped themselves."""
