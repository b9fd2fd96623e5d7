"""The plugins that come with Yunkong, each the program of one department."""
