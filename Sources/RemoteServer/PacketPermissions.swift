internal import AccessPolicy

// Which packets a policy can refuse before they are looked into. Every packet that the server knows has its row
// here (a test compares), so whoever adds one decides. What depends on more than the packet's name (the process,
// the program, a file's flags) is judged by GuardedTarget, through which all of them go.

enum PacketPermissions {
    /// What a packet needs: without any of these it can do nothing.
    enum Need: Equatable {
        /// Nothing: it asks, sets up the session, or lets what is attached to run, stop or go.
        case nothing
        /// One of these at least.
        case oneOf([Permission])
        /// It does several things, each judged by GuardedTarget.
        case depends
    }

    static let table: [String: Need] = [
        // The connection.
        "qSupported": .nothing, "QStartNoAckMode": .nothing, "vMustReplyEmpty": .nothing,
        "!": .nothing, "qSymbol": .nothing, "QNonStop": .nothing, "QAllow:": .nothing,
        "vStopped": .nothing,
        // Threads.
        "H": .nothing, "T": .nothing, "qC": .nothing, "qfThreadInfo": .nothing,
        "qsThreadInfo": .nothing, "qThreadExtraInfo,": .nothing, "QThreadEvents": .nothing,
        // Registers and memory.
        "g": .oneOf([.attach, .create]), "p": .oneOf([.attach, .create]),
        "G": .oneOf([.writeMemory]), "P": .oneOf([.writeMemory]),
        "m": .oneOf([.attach, .create]), "x": .oneOf([.attach, .create]),
        "M": .oneOf([.writeMemory]), "X": .oneOf([.writeMemory]),
        "qSearch:memory:": .oneOf([.attach, .create]), "qCRC:": .oneOf([.attach, .create]),
        "qMemoryRegionInfo:": .oneOf([.attach, .create]),
        "qGetTLSAddr:": .oneOf([.attach, .create]), "MultiMemRead:": .oneOf([.attach, .create]),
        "qStopSnapshot": .oneOf([.attach, .create]), "qTargetDigest": .nothing,
        // Breakpoints; removing one is undoing. Conditions and commands look at what the client may look at anyway.
        "Z": .oneOf([.breakpoints]), "z": .nothing,
        "QCatchSyscalls:": .nothing,
        // Running; `c ADDRESS` and signals are judged below.
        "vCont?": .nothing, "vCont;": .depends, "vCtrlC": .nothing,
        "c": .depends, "s": .depends, "C": .depends, "S": .depends,
        // Processes; what a session started it may end.
        "vAttach;": .oneOf([.attach]), "vRun": .oneOf([.create]),
        "vRunImplicit": .oneOf([.create]), "vKill;": .oneOf([.kill, .create]),
        "k": .oneOf([.kill, .create]), "R": .oneOf([.create]), "D": .nothing,
        "qAttached": .nothing, "?": .nothing,
        // Settings for programs to be started, and for signals.
        "QEnvironmentHexEncoded:": .nothing, "QEnvironmentUnset:": .nothing,
        "QEnvironmentReset": .nothing, "QDisableRandomization:": .nothing,
        "QStartupWithShell:": .nothing, "QSetWorkingDir:": .nothing, "QPassSignals:": .nothing,
        "QProgramSignals:": .nothing, "QSetDetachOnError:": .nothing,
        // lldb's own: what it settles, threads, memory and registers.
        "QThreadSuffixSupported": .nothing, "QListThreadsInStopReply": .nothing,
        "QEnableErrorStrings": .nothing, "qEcho:": .nothing, "qGDBServerVersion": .nothing,
        "qVAttachOrWaitSupported": .nothing, "jSignalsInfo": .nothing, "jThreadsInfo": .nothing,
        "qThreadStopInfo": .nothing, "qWatchpointSupportInfo:": .nothing,
        "_M": .oneOf([.writeMemory]), "_m": .oneOf([.writeMemory]),
        "QSaveRegisterState": .oneOf([.attach, .create]),
        "QRestoreRegisterState:": .oneOf([.writeMemory]),
        // lldb's own: programs and processes.
        "QSetSTDIN:": .nothing, "QSetSTDOUT:": .nothing, "QSetSTDERR:": .nothing,
        "QSetDisableASLR:": .nothing, "QLaunchArch:": .nothing, "QEnvironment:": .nothing,
        "A": .oneOf([.create]), "qLaunchSuccess": .nothing, "I": .oneOf([.create]),
        "vAttachName;": .oneOf([.attach]), "vAttachWait;": .oneOf([.attach]),
        "vAttachOrWait;": .oneOf([.attach]),
        // lldb's own: the machine and the platform.
        "qHostInfo": .nothing, "qProcessInfo": .nothing, "qProcessInfoPID:": .oneOf([.list]),
        "qfProcessInfo": .oneOf([.list]), "qsProcessInfo": .oneOf([.list]),
        "qUserName:": .nothing, "qGroupName:": .nothing, "qGetWorkingDir": .nothing,
        "qLaunchGDBServer": .nothing, "qQueryGDBServer": .nothing,
        "qKillSpawnedProcess": .nothing, "qPlatform_": .depends,
        "qPathComplete:": .oneOf([.readFiles]), "qModuleInfo:": .oneOf([.readFiles]),
        "jModulesInfo:": .oneOf([.readFiles]), "qFileLoadAddress:": .oneOf([.attach, .create]),
        "qShlibInfoAddr": .oneOf([.attach, .create]),
        // Objects, files, commands.
        "qXfer:": .depends, "vFile:": .oneOf([.readFiles, .writeFiles]), "qRcmd,": .depends,
    ]
}

extension ServerSession {
    /// Why a packet of that name can do nothing here; nil when it may.
    func refusal(ofPacket name: [UInt8]) -> String? {
        guard !policy.access.isOpen,
            case .oneOf(let permissions)? = PacketPermissions.table[
                String(decoding: name, as: UTF8.self)
            ]
        else { return nil }
        let refusals = permissions.compactMap { policy.access.generalRefusal($0) }
        return refusals.count == permissions.count ? refusals.first : nil
    }
}
