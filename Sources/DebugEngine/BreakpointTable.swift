public import DebugTarget

/// A breakpoint as the user set it.
public struct LogicalBreakpoint: Sendable, Equatable {
    /// What it watches for.
    public enum Kind: Sendable, Equatable {
        /// Execution, by a trap instruction (`bp`, `bu`, `bm`).
        case code
        /// Execution, by a breakpoint register (`ba e1`).
        case hardwareCode
        /// Access to memory (`ba r4`, `ba w8`).
        case data(WatchAccess, size: Int)
    }

    /// A place it is at.
    public struct Site: Sendable, Hashable {
        /// In which process.
        public var process: ProcessID
        /// The address.
        public var address: UInt64
    }

    /// The number the user knows it by.
    public var id: Int
    /// What it watches for.
    public var kind: Kind
    /// The location as the user wrote it.
    public var expression: String
    /// Whether the location is looked up anew when modules come (`bu`, or nothing was found yet).
    public var isDeferred: Bool
    /// Whether it is in force.
    public var isEnabled = true
    /// How many passes it takes until it stops.
    public var passes = 1
    /// How many are left.
    public var passesLeft = 1
    /// What must be other than 0 for it to count (`/w`).
    public var condition: String?
    /// How deep the stack may be at most, or has to be at least, for it to count (`/c`, `/C`).
    public var depth: (isMaximum: Bool, limit: Int)? {
        get { depthLimit.map { ($0.isMaximum, $0.limit) } }
        set { depthLimit = newValue.map { DepthLimit(isMaximum: $0.isMaximum, limit: $0.limit) } }
    }
    private var depthLimit: DepthLimit?

    private struct DepthLimit: Sendable, Equatable {
        var isMaximum: Bool
        var limit: Int
    }

    /// What is carried out when it stops.
    public var command: String?
    /// Whether it is removed after it stopped once (`/1`).
    public var isOneShot = false
    /// The only thread it is for, by the debugger's number.
    public var thread: Int?
    /// Where it is now; empty as long as the location is unknown.
    public var sites: [Site] = []

    /// Builds a breakpoint without a place.
    public init(id: Int, kind: Kind, expression: String, isDeferred: Bool) {
        self.id = id
        self.kind = kind
        self.expression = expression
        self.isDeferred = isDeferred
    }

    /// The physical breakpoint at a site.
    func physical(at site: Site) -> Breakpoint {
        let address = TargetAddress(site.address)
        switch kind {
        case .code: return Breakpoint(.software, at: address)
        case .hardwareCode: return Breakpoint(.hardware, at: address)
        case .data(let access, let size):
            return Breakpoint(.watch(access, length: size), at: address)
        }
    }

    /// Whether an address belongs to one of its sites.
    func covers(_ address: UInt64, in process: ProcessID) -> Bool {
        sites.contains { site in
            guard site.process == process else { return false }
            if case .data(_, let size) = kind {
                return address &- site.address < UInt64(size)
            }
            return address == site.address
        }
    }
}

/// The user's breakpoints by number.
public struct BreakpointTable: Sendable {
    /// The highest number a user may choose.
    public static let idMax = 100_000

    /// In order of their numbers.
    public private(set) var all: [LogicalBreakpoint] = []

    /// An empty table.
    public init() {}

    /// The lowest number that is free.
    public var nextID: Int {
        var id = 0
        for breakpoint in all where breakpoint.id == id { id += 1 }
        return id
    }

    /// A breakpoint by number; setting nil removes it.
    public subscript(id: Int) -> LogicalBreakpoint? {
        get { all.first { $0.id == id } }
        set {
            all.removeAll { $0.id == id }
            guard let newValue else { return }
            let place = all.firstIndex { $0.id > id } ?? all.count
            all.insert(newValue, at: place)
        }
    }

    /// Changes each breakpoint in place.
    mutating func update(_ change: (inout LogicalBreakpoint) -> Void) {
        for index in all.indices { change(&all[index]) }
    }
}
