"""Real servers for the tests: started when first asked for, shared by the process, ended with it."""
