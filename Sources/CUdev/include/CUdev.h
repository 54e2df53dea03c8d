// libudev: what devices the machine has, and word of their coming and going.
//
// The library is opened when it is first needed, not linked: dbgsrv has to start on a machine without it, and
// none of the transports but a serial port ever needs it.
#pragma once

struct udev;
struct udev_device;
struct udev_enumerate;
struct udev_list_entry;
struct udev_monitor;

/// The calls of libudev that are used here; libudev(3) says what each does.
struct cudev_library {
    struct udev *(*new_context)(void);
    struct udev *(*unref_context)(struct udev *);

    struct udev_enumerate *(*enumerate_new)(struct udev *);
    struct udev_enumerate *(*enumerate_unref)(struct udev_enumerate *);
    int (*enumerate_add_match_subsystem)(struct udev_enumerate *, const char *);
    int (*enumerate_scan_devices)(struct udev_enumerate *);
    struct udev_list_entry *(*enumerate_get_list_entry)(struct udev_enumerate *);

    struct udev_list_entry *(*list_entry_get_next)(struct udev_list_entry *);
    const char *(*list_entry_get_name)(struct udev_list_entry *);

    struct udev_device *(*device_new_from_syspath)(struct udev *, const char *);
    struct udev_device *(*device_unref)(struct udev_device *);
    struct udev_device *(*device_get_parent)(struct udev_device *);
    struct udev_device *(*device_get_parent_with_subsystem_devtype)(
        struct udev_device *, const char *, const char *);
    int (*device_get_is_initialized)(struct udev_device *);
    const char *(*device_get_syspath)(struct udev_device *);
    const char *(*device_get_sysname)(struct udev_device *);
    const char *(*device_get_devnode)(struct udev_device *);
    const char *(*device_get_driver)(struct udev_device *);
    const char *(*device_get_subsystem)(struct udev_device *);
    const char *(*device_get_action)(struct udev_device *);
    const char *(*device_get_property_value)(struct udev_device *, const char *);
    const char *(*device_get_sysattr_value)(struct udev_device *, const char *);
    struct udev_list_entry *(*device_get_devlinks_list_entry)(struct udev_device *);

    struct udev_monitor *(*monitor_new_from_netlink)(struct udev *, const char *);
    struct udev_monitor *(*monitor_unref)(struct udev_monitor *);
    int (*monitor_filter_add_match_subsystem_devtype)(
        struct udev_monitor *, const char *, const char *);
    int (*monitor_enable_receiving)(struct udev_monitor *);
    int (*monitor_get_fd)(struct udev_monitor *);
    struct udev_device *(*monitor_receive_device)(struct udev_monitor *);
};

/// The library, opened by the first call; NULL when the machine has none.
const struct cudev_library *cudev_open(void);
