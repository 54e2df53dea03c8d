internal import DebugEngine

let helpCommands: [Command] = [
    Command(
        names: [".help"],
        usage: ".help [Name]",
        summary: "list the commands, or explain one",
        run: { try help(&$0) }
    ),
    Command(
        names: [".hh"],
        usage: ".hh [Name]",
        summary: "list the commands, or explain one",
        run: { try help(&$0) }
    ),
]

private func help(_ call: inout CommandCall) throws {
    let table = call.interpreter.table
    guard let name = call.word() else {
        let commands = table.commands.sorted { $0.names[0] < $1.names[0] }
        let isDot: (Command) -> Bool = { $0.names[0].hasPrefix(".") }
        call.output.line("commands:")
        for command in commands where !isDot(command) {
            call.output.line("   \(command.usage) - \(command.summary)")
        }
        call.output.line(". commands:")
        for command in commands where isDot(command) {
            call.output.line("   \(command.usage) - \(command.summary)")
        }
        return call.output.line("Use .help NAME for details of one command.")
    }
    try call.requireEnd()
    guard
        let command = table.command(named: name) ?? table.command(named: "." + name)
            ?? table.find(name)?.command
    else {
        let near = table.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
        throw EngineError.sentence("There is no command \(name)\(near)")
    }
    call.output.line("\(command.usage) - \(command.summary)")
    if !command.details.isEmpty {
        for line in command.details.split(separator: "\n", omittingEmptySubsequences: false) {
            call.output.line("   \(line)")
        }
    }
}
