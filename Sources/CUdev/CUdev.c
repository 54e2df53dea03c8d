#include "CUdev.h"

#include <dlfcn.h>
#include <libudev.h>
#include <pthread.h>
#include <stddef.h>

static struct cudev_library library;
static const struct cudev_library *opened;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// The assignment makes the compiler compare each declaration of ours with libudev's own.
#define TAKE(member, symbol)                                     \
    do {                                                         \
        library.member = (__typeof__(&symbol))dlsym(handle, #symbol); \
        if (library.member == NULL) return;                      \
    } while (0)

static void open_once(void) {
    void *handle = dlopen("libudev.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return;
    TAKE(new_context, udev_new);
    TAKE(unref_context, udev_unref);
    TAKE(enumerate_new, udev_enumerate_new);
    TAKE(enumerate_unref, udev_enumerate_unref);
    TAKE(enumerate_add_match_subsystem, udev_enumerate_add_match_subsystem);
    TAKE(enumerate_scan_devices, udev_enumerate_scan_devices);
    TAKE(enumerate_get_list_entry, udev_enumerate_get_list_entry);
    TAKE(list_entry_get_next, udev_list_entry_get_next);
    TAKE(list_entry_get_name, udev_list_entry_get_name);
    TAKE(device_new_from_syspath, udev_device_new_from_syspath);
    TAKE(device_unref, udev_device_unref);
    TAKE(device_get_parent, udev_device_get_parent);
    TAKE(device_get_parent_with_subsystem_devtype, udev_device_get_parent_with_subsystem_devtype);
    TAKE(device_get_is_initialized, udev_device_get_is_initialized);
    TAKE(device_get_syspath, udev_device_get_syspath);
    TAKE(device_get_sysname, udev_device_get_sysname);
    TAKE(device_get_devnode, udev_device_get_devnode);
    TAKE(device_get_driver, udev_device_get_driver);
    TAKE(device_get_subsystem, udev_device_get_subsystem);
    TAKE(device_get_action, udev_device_get_action);
    TAKE(device_get_property_value, udev_device_get_property_value);
    TAKE(device_get_sysattr_value, udev_device_get_sysattr_value);
    TAKE(device_get_devlinks_list_entry, udev_device_get_devlinks_list_entry);
    TAKE(monitor_new_from_netlink, udev_monitor_new_from_netlink);
    TAKE(monitor_unref, udev_monitor_unref);
    TAKE(monitor_filter_add_match_subsystem_devtype,
         udev_monitor_filter_add_match_subsystem_devtype);
    TAKE(monitor_enable_receiving, udev_monitor_enable_receiving);
    TAKE(monitor_get_fd, udev_monitor_get_fd);
    TAKE(monitor_receive_device, udev_monitor_receive_device);
    opened = &library;
}

const struct cudev_library *cudev_open(void) {
    pthread_once(&once, open_once);
    return opened;
}
