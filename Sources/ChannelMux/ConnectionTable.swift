/// All connections, by slot: the local handle's low bits, and through a table by their id on the wire.
struct ConnectionTable: Sendable {
    private(set) var slots: [Connection] = []
    private(set) var count = 0
    private var free: [Int] = []
    private var slotsByWireID: [Int16] = []
    let limit: Int

    /// Slots fit into the table above and into a `ConnectionID`.
    static let limitMax = 8192

    init(limit: Int) {
        self.limit = min(max(limit, 1), Self.limitMax)
    }

    subscript(slot: Int) -> Connection {
        _read { yield slots[slot] }
        _modify { yield &slots[slot] }
    }

    /// Takes a slot; nil when all are taken.
    mutating func add(_ channel: ChannelNumber, _ phase: Connection.Phase) -> Int? {
        guard count < limit else { return nil }
        let slot = free.popLast() ?? slots.count
        if slot == slots.count {
            slots.append(Connection(id: ConnectionID(slot: slot, generation: 0)))
        }
        count += 1
        slots[slot].phase = phase
        slots[slot].channel = channel
        return slot
    }

    /// Gives a slot back; its handle is of nobody from now on.
    mutating func remove(_ slot: Int) {
        setWireID(nil, of: slot)
        let generation = UInt16(truncatingIfNeeded: slots[slot].id.rawValue >> 16) &+ 1
        slots[slot] = Connection(id: ConnectionID(slot: slot, generation: generation))
        // The longest free comes first, so that a handle is not used again soon.
        free.insert(slot, at: 0)
        count -= 1
    }

    /// The slot of a connection, in whatever phase, that has not been given back since.
    func liveSlot(of id: ConnectionID) -> Int? {
        guard slots.indices.contains(id.slot), slots[id.slot].id == id else { return nil }
        return id.slot
    }

    /// The slot of a handle that the user may still use.
    func slot(of id: ConnectionID) -> Int? {
        guard let slot = liveSlot(of: id) else { return nil }
        switch slots[slot].phase {
        case .connecting, .offered, .open: return slot
        case .vacant, .parked, .ending: return nil
        }
    }

    /// The slot of a connection on the wire.
    func slot(ofWireID wireID: UInt16) -> Int? {
        guard Int(wireID) < slotsByWireID.count else { return nil }
        let slot = slotsByWireID[Int(wireID)]
        return slot < 0 ? nil : Int(slot)
    }

    mutating func setWireID(_ wireID: UInt16?, of slot: Int) {
        if let old = slots[slot].wireID { slotsByWireID[Int(old)] = -1 }
        slots[slot].wireID = wireID
        guard let wireID else { return }
        if Int(wireID) >= slotsByWireID.count {
            let missing = Int(wireID) + 1 - slotsByWireID.count
            slotsByWireID += [Int16](repeating: -1, count: missing)
        }
        slotsByWireID[Int(wireID)] = Int16(slot)
    }

    /// The lowest free even, or odd, id: the low ones take one byte on the wire.
    func freeWireID(isOdd: Bool) -> UInt16? {
        for wireID in stride(from: isOdd ? 1 : 0, through: Wire.wireIDMax, by: 2)
        where slot(ofWireID: UInt16(wireID)) == nil {
            return UInt16(wireID)
        }
        return nil
    }
}
