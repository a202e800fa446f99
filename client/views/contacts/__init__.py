"""People: friends, requests, finding others, who somebody is."""
