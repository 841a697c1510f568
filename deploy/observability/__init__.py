"""What an operator watches: recording rules, alerts and dashboards, made from the budgets and from code."""
