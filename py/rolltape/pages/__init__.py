"""What people see: each page drawn from what is true, without a JavaScript object in sight."""
