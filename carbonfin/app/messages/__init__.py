"""Messages leaving the house and shown in it: webhooks over HTTP, mails over SMTP, the inbox, notices as PDF."""
