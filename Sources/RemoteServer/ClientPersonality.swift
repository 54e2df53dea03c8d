internal import GDBRemoteProtocol

/// What the client is like, from its first packets on.
struct ClientPersonality: Equatable {
    /// Whether packets are acknowledged.
    var usesAcknowledgements = true
    /// Thread ids carry the process.
    var multiprocess = false
    /// `swbreak` and `hwbreak` may be said.
    var reportsBreakpoints = false
    /// `fork`, `vfork` and `exec` may be said.
    var forkEvents = false
    var vforkEvents = false
    var execEvents = false
    /// `N` may be said.
    var noResumed = false
    /// `E.text` may answer any packet.
    var errorMessages = false
    /// How signals are numbered.
    var signals = SignalNumbering.gdb

    /// Takes over what the client says it can.
    mutating func adopt(_ features: FeatureList) {
        multiprocess = features.supports("multiprocess")
        reportsBreakpoints = features.supports("swbreak") && features.supports("hwbreak")
        forkEvents = features.supports("fork-events")
        vforkEvents = features.supports("vfork-events")
        execEvents = features.supports("exec-events")
        noResumed = features.supports("no-resumed")
        errorMessages = features.supports("error-message")
    }
}
