import Testing

/// One after the other: they share the rig's ports.
@Suite("Real serial ports", .serialized)
enum HardwareTests {}
