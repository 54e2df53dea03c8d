import Glibc
import LinuxSystem
import PortDirectory
import SerialPort
import Testing

extension HardwareTests {
    @Suite("The settings of a real port")
    struct SettingsTests {
        @Test("are granted at odd rates within 2 %, or refused with both rates in the error")
        func oddRates() throws {
            if Rig.lacks("port", { !$0.allPorts.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for path in rig.allPorts {
                for rate in [110, 12_345, 57_600, 74_880, 230_400, 250_000, 921_600, 1_000_000] {
                    do {
                        let port = try openPort(path, rate)
                        print("\(path): asked for \(rate), granted \(port.grantedBaudRate)")
                        #expect(abs(port.grantedBaudRate - rate) * 100 <= rate * 2)
                        port.close()
                    } catch SerialPortError.baudRateNotGranted(_, let asked, let granted, _) {
                        print("\(path): asked for \(asked), refused with \(granted)")
                        #expect(asked == rate && granted != rate)
                    }
                }
            }
        }

        private func settings(of path: String) throws -> TerminalSettings {
            try TerminalSettings(of: try openFile(path, flags: O_RDWR | O_NOCTTY | O_NONBLOCK))
        }

        @Test("are what they were after the port is closed")
        func restored() throws {
            if Rig.lacks("port", { !$0.allPorts.isEmpty }) { return }
            for path in try #require(Rig.current).allPorts {
                let before = try settings(of: path)
                try openPort(path, before.outputSpeed == 9600 ? 19_200 : 9600).close()
                #expect(try settings(of: path) == before)
            }
        }

        @Test("belong to a port that the directory lists")
        func listed() throws {
            if Rig.lacks("port", { !$0.allPorts.isEmpty }) { return }
            let directory = try PortDirectory()
            let listed = directory.entries.map(\.device.path)
            for path in try #require(Rig.current).allPorts {
                let port = try directory.port(named: path)
                #expect(listed.contains(try directory.identity(of: port).path))
            }
        }

        @Test("are those of the adapters that the rig names, each found by its identity")
        func adapters() throws {
            if Rig.lacks("adapter", { !$0.adapters.isEmpty }) { return }
            let directory = try PortDirectory()
            for identity in try #require(Rig.current).adapters {
                let port = try directory.port(named: identity)
                #expect(port.identity?.description == identity)
                _ = try directory.identity(of: port)
            }
        }
    }
}
