"""What this program asks of git: how it is run, its configuration, its helpers, and the credential it will use."""
