"""The hooks: what a push or a commit adds, what is wrong with it, and how git is made to run them."""
