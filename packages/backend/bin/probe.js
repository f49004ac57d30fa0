import '../dist/setup/probe.js'
