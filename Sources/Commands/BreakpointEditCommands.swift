internal import DebugEngine

let breakpointEditCommands: [Command] = [
    Command(
        names: ["br"],
        usage: "br OldID NewID [OldID NewID ...]",
        summary: "give breakpoints other numbers",
        run: { call in
            repeat {
                let old = try call.breakpointNumber()
                let new = try call.breakpointNumber()
                guard var breakpoint = call.session.breakpoints[old] else {
                    throw EngineError.sentence("Breakpoint \(old) does not exist")
                }
                guard call.session.breakpoints[new] == nil else {
                    throw EngineError.sentence("Breakpoint \(new) already exists")
                }
                call.session.breakpoints[old] = nil
                breakpoint.id = new
                call.session.breakpoints[new] = breakpoint
            } while !call.isAtEnd
        }
    ),
    Command(
        names: ["bs"],
        usage: "bs ID [\"Commands\"]",
        summary: "change the commands of a breakpoint; without any they are removed",
        run: { call in
            let id = try call.breakpointNumber()
            let command = try call.quoted()
            try call.requireEnd()
            guard call.session.breakpoints[id] != nil else {
                throw EngineError.sentence("Breakpoint \(id) does not exist")
            }
            call.session.breakpoints[id]?.command = command
        }
    ),
    Command(
        names: ["bsc"],
        usage: "bsc ID Condition [\"Commands\"]",
        summary: "change the condition of a breakpoint, and its commands",
        run: { call in
            let id = try call.breakpointNumber()
            guard call.session.breakpoints[id] != nil else {
                throw EngineError.sentence("Breakpoint \(id) does not exist")
            }
            call.skipSpaces()
            let condition = try call.quoted() ?? call.locationText()
            let command = try call.quoted()
            try call.requireEnd()
            call.session.breakpoints[id]?.condition = condition
            call.session.breakpoints[id]?.command = command
        }
    ),
]

extension CommandCall {
    /// A breakpoint's number, which is decimal as in lists.
    mutating func breakpointNumber() throws -> Int {
        guard let word = word() else { throw EngineError(.operand, "") }
        guard let number = Int(word), (0...BreakpointTable.idMax).contains(number) else {
            throw EngineError(.syntax, word)
        }
        return number
    }
}
