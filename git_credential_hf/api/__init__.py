"""What this program asks of the Hub, and what the answers mean."""
