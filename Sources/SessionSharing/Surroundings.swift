internal import Glibc
internal import LinuxSystem

/// Seconds since 1970.
func secondsSinceEpoch() -> UInt64 { UInt64(max(time(nil), 0)) }

/// `Thu Oct  8 22:16:45 2026`, the local time, as ctime(3) has it.
func localTimeText(_ seconds: Int = time(nil)) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    localtime_r(&moment, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%a %b %e %H:%M:%S %Y", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Sixty-four random bits (getrandom(2)).
func randomNumber() -> UInt64 { UInt64.random(in: 1...UInt64.max) }

/// The user whose rights a session gives away.
var ownUserName: String { userName(geteuid()) }

/// How much of what is written the kernel keeps (SO_SNDBUF, socket(7)).
func setSendBuffer(of socket: OwnedDescriptor, bytes: Int32) {
    try? setSocketOption(socket, SOL_SOCKET, SO_SNDBUF, bytes)
}
