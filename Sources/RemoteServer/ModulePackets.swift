internal import DebugTarget
internal import GDBRemoteProtocol

// Modules by their paths: which build they are, and where one is loaded.

extension ServerSession {
    static var modulePackets: [PacketEntry] {
        [
            PacketEntry("qModuleInfo:") { session, packet throws(TargetError) in
                guard session.target.platformServices != nil else { return .unsupported }
                guard let query = ModuleRequest.module(inQuery: packet) else {
                    return .malformed(packet)
                }
                let facts = try session.facts(ofModule: query.path, query.triple)
                return .payload(facts.payload)
            },
            PacketEntry("jModulesInfo:") { session, packet in
                guard session.target.platformServices != nil else { return .unsupported }
                guard let modules = ModuleRequest.modules(inList: packet) else {
                    return .malformed(packet)
                }
                let known = modules.compactMap { try? session.facts(ofModule: $0.path, $0.triple) }
                return .payload(JSON.list(known.map(\.json)).payload)
            },
            PacketEntry("qShlibInfoAddr") { session, _ throws(TargetError) in
                let process = try session.currentProcess()
                guard let details = session.target.processDetails,
                    let pointer = try details.linkerDebugPointer(of: process)
                else { return .unsupported }
                return .payload([UInt8](text: Hex.text(pointer.rawValue)))
            },
            PacketEntry("qFileLoadAddress:") { session, packet throws(TargetError) in
                try session.findFile(packet)
            },
        ]
    }

    private func facts(ofModule path: String, _ triple: String) throws(TargetError) -> ModuleFacts {
        guard let services = target.platformServices, let files = target.files else {
            throw TargetError(.unsupported, "this target shows no files")
        }
        guard path.hasPrefix("/") else {
            throw TargetError(.invalid, "\(path) is no path of a file")
        }
        let file = services.resolved(path)
        let identifier = try services.buildID(ofFile: file)
        guard !identifier.isEmpty else { throw TargetError(.invalid, "\(file) has no build-id") }
        let status = try files.status(ofPath: file, followingLinks: true)
        return ModuleFacts(
            path: file,
            triple: triple,
            buildID: identifier,
            byteCount: status.size
        )
    }

    private func findFile(_ packet: [UInt8]) throws(TargetError) -> Reply {
        guard let details = target.processDetails else { return .unsupported }
        guard let path = HexTextRequest.text(in: packet, after: "qFileLoadAddress:") else {
            return .malformed(packet)
        }
        let regions = try details.memoryRegions(of: try currentProcess())
        let resolved = target.platformServices?.resolved(path) ?? path
        let names = [path, resolved]
        guard let region = regions.first(where: { names.contains($0.name) && $0.fileOffset == 0 })
        else { throw TargetError(.invalid, "\(path) is not loaded") }
        return .payload(AllocationRequest.reply(region.range.lowerBound))
    }
}
