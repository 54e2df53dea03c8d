// A machine made up by umockdev whose ports come and go, on the orders of a test: one a line on standard
// input, each answered by a line.
//
//   add FILE NAME TARGET   adds the devices of a description; /dev/NAME becomes a link to TARGET
//   remove SYSPATH NAME    takes a device and its node away
//
// Those who listen to udev are told of both.
#include <stdio.h>
#include <string.h>
#include <umockdev.h>
#include <unistd.h>

static UMockdevTestbed *bed;
static GMainLoop *loop;
static GHashTable *passed_on;
static gchar *root;

static void replace_node(const char *name, const char *target) {
    gchar *folder = g_strdup_printf("%s/dev", root);
    gchar *node = g_strdup_printf("%s/%s", folder, name);
    g_mkdir_with_parents(folder, 0755);
    unlink(node);
    if (target != NULL && symlink(target, node) != 0) perror(node);
    g_free(node);
    g_free(folder);
}

// umockdev answers the ioctls of a mocked device itself; those of our ports are the pseudo-terminal's.
static gboolean pass_on(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data) {
    int failure = 0;
    int answer = umockdev_ioctl_client_execute(client, &failure, NULL);
    umockdev_ioctl_client_complete(client, answer, failure);
    return TRUE;
}

static void pass_ioctls_on(const char *target) {
    // A terminal's number may have been used before.
    if (!g_hash_table_add(passed_on, g_strdup(target))) return;
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    g_signal_connect(handler, "handle-ioctl", G_CALLBACK(pass_on), NULL);
    umockdev_testbed_attach_ioctl(bed, target, handler, NULL);
}

static int add(const char *file, const char *name, const char *target) {
    gchar *text = NULL;
    GError *error = NULL;
    // The node comes first, and is ours rather than umockdev's: whoever is told of the device opens it at once.
    replace_node(name, target);
    pass_ioctls_on(target);
    if (!g_file_get_contents(file, &text, NULL, &error)
        || !umockdev_testbed_add_from_string(bed, text, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    g_free(text);
    return 0;
}

static int obey(const char *line) {
    char order[16], one[512], two[512], three[512];
    int words = sscanf(line, "%15s %511s %511s %511s", order, one, two, three);
    if (words == 4 && strcmp(order, "add") == 0) return add(one, two, three);
    if (words != 3) return 1;
    if (strcmp(order, "remove") != 0) return 1;
    umockdev_testbed_remove_device(bed, one);
    replace_node(two, NULL);
    return 0;
}

static gboolean read_order(GIOChannel *input, GIOCondition condition, gpointer data) {
    gchar *line = NULL;
    if (g_io_channel_read_line(input, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(loop);
        return FALSE;
    }
    printf(obey(line) ? "failed\n" : "done\n");
    fflush(stdout);
    g_free(line);
    return TRUE;
}

int main(void) {
    bed = umockdev_testbed_new();
    root = umockdev_testbed_get_root_dir(bed);
    passed_on = g_hash_table_new(g_str_hash, g_str_equal);
    printf("%s\n", root);
    fflush(stdout);
    loop = g_main_loop_new(NULL, FALSE);
    GIOChannel *input = g_io_channel_unix_new(0);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, read_order, NULL);
    g_main_loop_run(loop);
    return 0;
}
