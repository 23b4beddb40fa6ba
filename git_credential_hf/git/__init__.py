"""Run git; read its configuration and helpers; find the credential that it will use."""
