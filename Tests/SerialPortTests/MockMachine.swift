/// A machine's ports as umockdev makes them up for a program and libudev below it.
struct MockMachine {
    private(set) var description = ""

    /// A port on the mainboard; type 0 is a name without hardware.
    mutating func addUART(_ index: Int, type: Int = 4) {
        description += """
            P: /devices/pnp0/00:0\(index)
            E: SUBSYSTEM=pnp
            L: driver=../../../bus/pnp/drivers/serial

            P: /devices/pnp0/00:0\(index)/tty/ttyS\(index)
            N: ttyS\(index)
            E: SUBSYSTEM=tty
            E: DEVNAME=/dev/ttyS\(index)
            E: MAJOR=4
            E: MINOR=\(64 + index)
            A: type=\(type)\\n


            """
    }

    /// A console, which has no hardware of its own.
    mutating func addConsole() {
        description += """
            P: /devices/virtual/tty/tty1
            N: tty1
            E: SUBSYSTEM=tty
            E: DEVNAME=/dev/tty1
            E: MAJOR=4
            E: MINOR=1


            """
    }

    /// A USB adapter with one port; `socket` is where it is plugged in.
    mutating func addAdapter(
        _ index: Int,
        serialNumber: String?,
        socket: String = "2",
        bus: Int = 1,
        properties: [String] = [],
        attributes: [String] = []
    ) {
        let device = "/devices/pci0000:00/0000:00:14.0/usb\(bus)/\(bus)-\(socket)"
        let interface = "\(device)/\(bus)-\(socket):1.0"
        let port = "\(interface)/ttyUSB\(index)"
        let serial = serialNumber.map { "A: serial=\($0)\\n\n" } ?? ""
        let knobs = attributes.map { "A: \($0)\\n\n" }.joined()
        let extra = properties.map { "E: \($0)\n" }.joined()
        description += """
            P: \(device)
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_device
            A: idVendor=0403\\n
            A: idProduct=6001\\n
            \(serial)A: manufacturer=FTDI\\n
            A: product=FT232R USB UART\\n

            P: \(interface)
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_interface
            A: bInterfaceNumber=00\\n

            P: \(port)
            E: SUBSYSTEM=usb-serial
            A: port_number=0\\n
            \(knobs)L: driver=../../../../../../../bus/usb-serial/drivers/ftdi_sio

            P: \(port)/tty/ttyUSB\(index)
            N: ttyUSB\(index)
            S: serial/by-id/usb-FTDI_FT232R_\(serialNumber ?? "none")-if00-port0
            E: SUBSYSTEM=tty
            E: DEVNAME=/dev/ttyUSB\(index)
            E: MAJOR=188
            E: MINOR=\(index)
            \(extra)

            """
    }

    /// Runs dbgcom on this machine with a file of names.
    func dbgcom(_ arguments: [String], names: String, folder: ScratchFolder) throws -> String {
        let file = try folder.file("machine.umockdev", description)
        let answer = try runProgram(
            "umockdev-run",
            ["-d", file, "--", dbgcomPath] + arguments,
            environment: ["DBGSRV_PORTS": names]
        )
        return answer.output
    }
}
