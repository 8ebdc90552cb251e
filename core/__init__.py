"""What both processes speak. numpy and the standard library only."""
