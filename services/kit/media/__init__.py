"""Reading the media files of users safely: containers, portraits and driving videos."""
