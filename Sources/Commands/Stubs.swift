let analysisCommands: [Command] = []
let processFactCommands: [Command] = []
let toolCommands: [Command] = []
