import ConnectionStrings

// Connection strings: any text gives a connection or a sentence, what is shown of one holds no password, and a pipe's
// name stays a name.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConnection(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    let side: ConnectionString.Side = input.byte() & 1 == 0 ? .server : .client
    let starts = ["", "npipe:", "tcp:", "com:", "spipe:", "ssl:", "tcp:port=5,", "npipe:pipe=a,"]
    let start = starts[Int(input.byte()) % starts.count]
    let text = start + String(decoding: input.take(4096), as: UTF8.self)
    let bare = ConnectionString.withoutPassword(text)
    guard let connection = try? ConnectionString(text, for: side) else { return 0 }
    precondition(!bare.lowercased().contains(",password="), "\(bare)")
    let shown = connection.displayed(chosenPort: 1, pipeName: "p")
    if case .literal(let secret) = connection.access.password, secret.count > 8 {
        precondition(!shown.contains("Password=\(secret)"), shown)
    }
    if let kept = try? ConnectionString(bare, for: side) {
        precondition(kept.access.password == nil, bare)
    } else {
        preconditionFailure("without its password it is none any more: \(bare)")
    }
    if case .npipe(let pipe) = connection {
        let name = PipeName.expand(pipe.name, processID: 1, threadID: 2)
        precondition(!name.contains("/") && name != "..", name)
    }
    return 0
}
