internal import ByteTransport
internal import ConnectionStrings
internal import KernelLine
internal import Transports

/// Where the server is.
enum ServerSide {
    /// `-c`: a process server, a debugging server or a stub.
    case stream(ConnectionString)
    /// `-k`: a kernel's stub at the end of a cable.
    case kernel(KernelConnection)

    /// As messages show it.
    func displayed() -> String {
        switch self {
        case .stream(let connection): connection.displayed()
        case .kernel(let connection): connection.displayed
        }
    }

    /// Connects.
    func open() throws(TransportError) -> any ByteTransport {
        switch self {
        case .stream(let connection): try openRawStream(connection, program: programName)
        case .kernel(let connection): try KernelCable.open(connection, program: programName)
        }
    }
}
