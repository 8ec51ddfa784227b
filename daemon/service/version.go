package service

// Version of what runs, set by the build.
var Version = "0.1.0"
