"""Checker: when the vendor is known, have it checked in a subtask, and start nothing new until that has ended."""

condition = {"expense": {"vendor": str}, "vendorCheck": None}


def content(data, task):
    vendor = data["expense"]["vendor"]
    task.subtask(f"Vendor: {vendor}", {"vendor": vendor}, into="vendorCheck", wait_for=True, timeout=300)
