import BrokerProtocol
import DiscoveryProtocol

// Lists of servers and files of the registry made of anything: nothing traps, nothing grows, what is read can be
// written and read again.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDiscovery(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let record = ServerRecord(bytes) {
        precondition(ServerRecord(record.encoded) == record, "a record is not stable")
    }
    let cut = Int(bytes.first ?? 0)
    var reader = ServerListReader()
    do {
        try reader.receive(bytes.prefix(cut))
        try reader.receive(bytes.dropFirst(cut))
        try reader.finish()
    } catch {
        precondition(reader.entries.count <= ServerList.entriesMax)
        return 0
    }
    var again = ServerListReader()
    do {
        try again.receive(ServerList.encode(reader.entries))
        try again.finish()
    } catch {
        preconditionFailure("our own list: \(error)")
    }
    precondition(again.entries == Array(reader.entries.prefix(again.entries.count)))
    return 0
}
