internal import DebugTarget
internal import Symbols

extension DebugSession {
    /// Finds the places of a new breakpoint and puts it into the table, replacing one of the same
    /// number.
    ///
    /// - Returns: whether a place was found; without one it waits for modules.
    @discardableResult
    public func set(_ breakpoint: LogicalBreakpoint) throws -> Bool {
        if isPostMortem { throw EngineError(.notSupported, breakpoint.expression) }
        var resolved = breakpoint
        resolved.sites = []
        for process in processes {
            let addresses = try addresses(of: breakpoint, in: process)
            resolved.sites += addresses.map {
                LogicalBreakpoint.Site(process: process.id, address: $0)
            }
        }
        if resolved.sites.isEmpty { resolved.isDeferred = true }
        breakpoints[resolved.id] = resolved
        return !resolved.sites.isEmpty
    }

    /// The addresses a location means; none when it names something that is not there (yet).
    func addresses(
        of breakpoint: LogicalBreakpoint,
        in process: ProcessState
    ) throws -> [UInt64] {
        let previous = (currentProcess, currentThread)
        defer { (currentProcess, currentThread) = previous }
        if currentProcess?.id != process.id {
            currentProcess = process
            currentThread = process.threads.first
        }
        let text = breakpoint.expression
        do {
            if case .data = breakpoint.kind { return [try evaluate(text)] }
            return try codeAddresses(text, in: process)
        } catch let error as EngineError where error.kind == .unresolved {
            return []
        }
    }

    /// Where to stop for a location: a source line, a function past its prologue, or an address.
    private func codeAddresses(_ text: String, in process: ProcessState) throws -> [UInt64] {
        var lexer = ExpressionLexer(text, radix: radix)
        let first = try lexer.next()
        guard try lexer.next() == .end else { return [try evaluate(text)] }
        switch first {
        case .sourceLine(let file, let line):
            return addresses(file: file, line: line, in: process)
        case .word(let word), .symbol(let word):
            let isNumber =
                NumberText.isDigits(word, radix: radix) && word.contains { $0.isNumber }
            if !isNumber, let found = symbol(word, in: process) {
                return [entryAddress(of: found, in: process)]
            }
        default: break
        }
        return [try evaluate(text)]
    }

    /// Past the prologue where line information tells where that ends, so that parameters can be
    /// read.
    func entryAddress(of found: FoundSymbol, in process: ProcessState) -> UInt64 {
        guard found.symbol.kind == .function,
            let symbols = symbols(of: found.module, in: process),
            let address = symbols.breakpointAddress(forFunction: found.symbol.name)
        else { return found.address }
        return address &+ found.module.bias
    }

    /// Looks up places that were unknown or may have changed, after modules came.
    func resolveBreakpoints(in process: ProcessState) {
        compiledConditions = [:]
        for breakpoint in breakpoints.all where breakpoint.isDeferred {
            guard let found = try? addresses(of: breakpoint, in: process) else { continue }
            var changed = breakpoint
            changed.sites.removeAll { $0.process == process.id }
            changed.sites += found.map {
                LogicalBreakpoint.Site(process: process.id, address: $0)
            }
            breakpoints[breakpoint.id] = changed
        }
    }

    /// Whether some breakpoint waits for a module of a process.
    func hasUnresolvedBreakpoints(in process: ProcessState) -> Bool {
        breakpoints.all.contains { breakpoint in
            breakpoint.isEnabled && !breakpoint.sites.contains { $0.process == process.id }
        }
    }

    /// The breakpoints in force at an address.
    func breakpoints(at address: UInt64, in process: ProcessState) -> [LogicalBreakpoint] {
        breakpoints.all.filter { $0.isEnabled && $0.covers(address, in: process.id) }
    }

    // MARK: - Physical breakpoints

    /// Makes the target's breakpoints what the user's, the steps' and the engine's own need.
    func synchronizeBreakpoints(temporary: [TemporaryStop] = []) throws {
        for process in processes where !process.isSharedWithChild {
            var wanted = Set<Breakpoint>()
            for breakpoint in breakpoints.all where breakpoint.isEnabled {
                for site in breakpoint.sites where site.process == process.id {
                    wanted.insert(breakpoint.physical(at: site))
                }
            }
            if process.id == currentProcess?.id {
                temporary.forEach {
                    wanted.insert(Breakpoint(.software, at: TargetAddress($0.address)))
                }
            }
            if !process.refusesModuleEvents, let address = moduleEventAddress(of: process) {
                wanted.insert(Breakpoint(.software, at: TargetAddress(address)))
            }
            try apply(wanted, to: process, temporary: temporary)
        }
    }

    /// Gives breakpoints the conditions that the target judges; one whose condition has changed is
    /// planted anew.
    private func applyConditions(
        to wanted: Set<Breakpoint>,
        of process: ProcessState,
        _ temporary: [TemporaryStop]
    ) throws {
        guard let ability = target.breakpointConditions else { return }
        for breakpoint in wanted {
            let condition = condition(of: breakpoint, in: process, temporary)
            guard process.insertedConditions[breakpoint] != condition else { continue }
            if process.inserted.contains(breakpoint) {
                try target.removeBreakpoint(breakpoint, in: process.id)
                process.inserted.remove(breakpoint)
            }
            ability.setCondition(condition, of: breakpoint, in: process.id)
            process.insertedConditions[breakpoint] = condition
        }
    }

    /// What the target is to judge at a physical breakpoint: nothing where more than one purpose has to be served.
    private func condition(
        of breakpoint: Breakpoint,
        in process: ProcessState,
        _ temporary: [TemporaryStop]
    ) -> BreakpointCondition? {
        let address = breakpoint.address.rawValue
        if address == process.moduleEventAddress { return nil }
        let stops = temporary.filter { $0.address == address }
        if stops.isEmpty { return condition(of: breakpoint, in: process) }
        guard stops.count == 1, !isWanted(breakpoint, in: process),
            let description = try? target.targetDescription(of: process.id)
        else { return nil }
        return stops[0].condition(description)
    }

    private func apply(
        _ wanted: Set<Breakpoint>,
        to process: ProcessState,
        temporary: [TemporaryStop] = []
    ) throws {
        for breakpoint in process.inserted.subtracting(wanted).sorted(by: Self.isBefore) {
            try target.removeBreakpoint(breakpoint, in: process.id)
            process.inserted.remove(breakpoint)
        }
        try applyConditions(to: wanted, of: process, temporary)
        let missing = wanted.subtracting(process.inserted).sorted(by: Self.isBefore)
        let errors = try insert(missing, in: process)
        for (breakpoint, error) in zip(missing, errors) where error == nil {
            process.inserted.insert(breakpoint)
        }
        for (breakpoint, error) in zip(missing, errors) {
            guard let error else { continue }
            if error.code == .disconnected { throw error }
            if breakpoint.address.rawValue == process.moduleEventAddress,
                !isWanted(breakpoint, in: process)
            {
                // A server may allow no breakpoints; modules are then looked at when it stops.
                process.refusesModuleEvents = true
                continue
            }
            throw insertionFailure(breakpoint, error)
        }
    }

    /// Plants breakpoints, at once where the target takes them so; what went wrong with each.
    private func insert(
        _ breakpoints: [Breakpoint],
        in process: ProcessState
    ) throws -> [TargetError?] {
        if let ability = target.lineSaving, breakpoints.count > 1 {
            return try ability.insertBreakpoints(breakpoints, in: process.id)
        }
        var errors: [TargetError?] = []
        for breakpoint in breakpoints {
            do throws(TargetError) {
                try target.insertBreakpoint(breakpoint, in: process.id)
                errors.append(nil)
            } catch {
                errors.append(error)
                // One is enough for the user.
                let isOwn =
                    breakpoint.address.rawValue == process.moduleEventAddress
                    && !isWanted(breakpoint, in: process)
                guard isOwn else { break }
            }
        }
        return errors
    }

    /// Whether the user has a breakpoint there.
    private func isWanted(_ breakpoint: Breakpoint, in process: ProcessState) -> Bool {
        breakpoints.all.contains { logical in
            logical.isEnabled
                && logical.sites.contains {
                    $0.process == process.id && logical.physical(at: $0) == breakpoint
                }
        }
    }

    private static func isBefore(_ left: Breakpoint, _ right: Breakpoint) -> Bool {
        left.address < right.address
    }

    private func insertionFailure(_ breakpoint: Breakpoint, _ error: TargetError) -> EngineError {
        let owner = breakpoints.all.first { logical in
            logical.sites.contains { logical.physical(at: $0) == breakpoint }
        }
        let name = owner.map { "breakpoint \($0.id)" } ?? "a temporary breakpoint"
        let place = Format.address(breakpoint.address)
        return .sentence("Unable to insert \(name) at \(place): \(error.message)")
    }

    /// Takes every breakpoint out of a process.
    func removeAllBreakpoints(of process: ProcessState) throws {
        try apply([], to: process)
    }

    // MARK: - The dynamic linker's announcements

    /// Where the dynamic linker stops by to tell of changes; known once its symbols are on the
    /// client.
    private func moduleEventAddress(of process: ProcessState) -> UInt64? {
        if let known = process.moduleEventAddress { return known }
        let linker = process.modules.first { module in
            module.name.hasPrefix("ld_") || module.name.hasPrefix("ld64")
        }
        guard let linker, linker.localPath != nil,
            let symbols = symbols(of: linker, in: process),
            let symbol = symbols.symbol(named: "_dl_debug_state")
        else { return nil }
        process.moduleEventAddress = symbol.address &+ linker.bias
        if let list = symbols.symbol(named: "_r_debug") {
            process.moduleListAddress = list.address &+ linker.bias
        }
        return process.moduleEventAddress
    }

    /// Whether the dynamic linker has finished the change it announces (`r_state` is
    /// RT_CONSISTENT).
    func moduleListIsConsistent(of process: ProcessState) -> Bool {
        guard let address = process.moduleListAddress,
            let state = try? readMemory(at: address &+ 24, count: 4, in: process),
            state.count == 4
        else { return true }
        return LittleEndian.value(state) == 0
    }
}

extension DebugSession {
    /// Where a location is, in all processes.
    public func sites(
        of expression: String,
        kind: LogicalBreakpoint.Kind
    ) throws -> [LogicalBreakpoint.Site] {
        let probe = LogicalBreakpoint(
            id: -1,
            kind: kind,
            expression: expression,
            isDeferred: false
        )
        return try processes.flatMap { process in
            try addresses(of: probe, in: process).map {
                LogicalBreakpoint.Site(process: process.id, address: $0)
            }
        }
    }
}
