public import ByteTransport
public import ConnectionStrings
internal import LinuxSystem
internal import PortDirectory
internal import SerialPort
public import Transports

/// A line to a kernel's stub: bytes as they are, and a way to halt the kernel.
///
/// Stubs beside the processor (QEMU, a probe) halt it for the byte 0x03. kgdb is part of the kernel, which passes over
/// that byte while it runs: it listens for SysRq-g, a BREAK and the letter g. On a serial line both are sent, 0x03
/// first, since a kgdb that waits for an acknowledgement takes every other byte for a reason to send its packet again.
public final class KernelCable: KernelStream {
    /// How long the BREAK is: what tcsendbreak(3) takes for one.
    private static let breakMilliseconds = 250
    private static let interruptByte: UInt8 = 0x03
    private static let request = UInt8(ascii: "g")

    private let inner: any ByteTransport
    private let port: SerialPort?

    init(_ inner: any ByteTransport, port: SerialPort? = nil) {
        self.inner = inner
        self.port = port
    }

    /// Opens the line.
    ///
    /// - Parameter program: name and version, for those that a password is proved to.
    public static func open(
        _ connection: KernelConnection,
        program: String
    ) throws(TransportError) -> any ByteTransport {
        switch connection {
        case .cable(let line): return try cable(line)
        case .pipe(let path, _): return try pipe(path)
        case .address(let host, let port):
            let text = "tcp:server=\(host),port=\(port)"
            do {
                let connection = try ConnectionString(text, for: .client)
                return KernelCable(try openRawStream(connection, program: program))
            } catch let error as TransportError {
                throw error
            } catch {
                throw TransportError("\(error)")
            }
        case .served(let connection):
            return try openRawStream(connection, program: program)
        }
    }

    private static func cable(
        _ line: ConnectionString.SerialChannel
    ) throws(TransportError) -> KernelCable {
        do {
            let place =
                try PortDirectory.direct(line.port) ?? PortDirectory().port(named: line.port)
            let port = try SerialPort(path: place.path, configuration: configuration(line))
            return try wrap(port, baudRate: line.baudRate)
        } catch {
            throw TransportError("com \(line.port): \(error)")
        }
    }

    private static func configuration(
        _ line: ConnectionString.SerialChannel
    ) -> SerialConfiguration {
        SerialConfiguration(
            baudRate: line.baudRate,
            parity: .init(rawValue: line.line.parity.rawValue) ?? .none,
            stopBits: line.line.stopBits,
            flowControl: line.line.flowControl == .rtscts
                ? .rtsCts : line.line.flowControl == .xonxoff ? .xonXoff : .none,
            dtr: .init(rawValue: line.line.dtr.rawValue) ?? .leave,
            rts: .init(rawValue: line.line.rts.rawValue) ?? .leave
        )
    }

    private static func wrap(_ port: SerialPort, baudRate: Int) throws(SystemError) -> KernelCable {
        // The port stays open as long as the cable is; the stream has a descriptor of its own.
        let descriptor = try OwnedDescriptor(duplicating: port.descriptor.number)
        let stream = try DescriptorTransport(
            descriptor,
            peerName: "com \(port.path)",
            link: .serial(baudRate: baudRate)
        )
        return KernelCable(stream, port: port)
    }

    /// A virtual machine's socket; where it is a terminal, a line as quick as it gets.
    private static func pipe(_ path: String) throws(TransportError) -> KernelCable {
        do {
            if let attributes = try? FileAttributes(path: path),
                attributes.kind == .characterDevice
            {
                let port = try SerialPort(path: path, configuration: .init(baudRate: 115_200))
                return try wrap(port, baudRate: 115_200)
            }
            let socket = try UnixSocket.connect(path: path)
            return KernelCable(
                try DescriptorTransport(socket, peerName: "pipe \(path)", link: .local)
            )
        } catch {
            throw TransportError("com: \(error)")
        }
    }

    // MARK: - The stream

    /// The line's descriptor.
    public var descriptor: Int32 { inner.descriptor }
    /// The far end, for people.
    public var peerName: String { inner.peerName }
    /// The line beneath.
    public var link: LinkKind { inner.link }
    /// What is known to be wrong with it.
    public var trouble: String? { inner.trouble }

    /// Takes what has arrived.
    public func read(maximum: Int) -> ReadResult {
        let result = inner.read(maximum: maximum)
        // QEMU writes its acknowledgement and its answer in two pieces, without TCP_NODELAY.
        if case .network = inner.link { acknowledgeAtOnce(inner.descriptor) }
        return result
    }
    /// Gives bytes to the line.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? { inner.write(bytes) }
    /// A cable has no such end.
    public func finishWriting() {
        if port == nil { inner.finishWriting() }
    }

    /// Closes the line.
    public func close() {
        inner.close()
        port?.close()
    }

    /// Halts the kernel.
    public func breakIn() {
        _ = inner.write([Self.interruptByte])
        guard let port else { return }
        // A terminal without a line has no BREAK, and needs none.
        try? port.descriptor.sendBreak(milliseconds: Self.breakMilliseconds)
        _ = inner.write([Self.request])
    }
}
