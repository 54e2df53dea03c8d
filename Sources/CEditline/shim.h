// libedit: line editing for the console. el_set and history are variadic, which Swift cannot call; these
// say the few forms in use.
#pragma once
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <wchar.h>

// libedit turns wide characters into bytes as the locale says; the console speaks UTF-8.
static inline void cel_use_utf8(void) { setlocale(LC_CTYPE, "C.UTF-8"); }

static inline int cel_set_reader(EditLine *editor, int (*reader)(EditLine *, wchar_t *)) {
    return el_set(editor, EL_GETCFN, reader);
}

static inline int cel_bind_function(EditLine *editor, const char *name, const char *help, const char *key,
                                    unsigned char (*function)(EditLine *, int)) {
    if (el_set(editor, EL_ADDFN, name, help, function) != 0) return -1;
    return el_set(editor, EL_BIND, key, name, NULL);
}

static inline int cel_refresh(EditLine *editor) { return el_set(editor, EL_REFRESH); }

// The width of the terminal at standard output; 80 where nobody knows.
static inline int cel_columns(void) {
    struct winsize size;
    if (ioctl(1, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

static inline int cel_set_prompt(EditLine *editor, char *(*prompt)(EditLine *)) {
    return el_set(editor, EL_PROMPT, prompt);
}

static inline int cel_set_client_data(EditLine *editor, void *data) {
    return el_set(editor, EL_CLIENTDATA, data);
}

static inline void *cel_client_data(EditLine *editor) {
    void *data = NULL;
    return el_get(editor, EL_CLIENTDATA, &data) == 0 ? data : NULL;
}

static inline int cel_use_emacs_keys(EditLine *editor) {
    return el_set(editor, EL_EDITOR, "emacs");
}

static inline int cel_use_history(EditLine *editor, History *list) {
    return el_set(editor, EL_HIST, history, list);
}

// A key that puts itself into the line, as Ctrl+B does for leaving.
static inline int cel_bind_self_insert(EditLine *editor, const char *key) {
    return el_set(editor, EL_BIND, key, "ed-insert", NULL);
}

static inline int cel_history_set_size(History *list, int entries) {
    HistEvent event;
    return history(list, &event, H_SETSIZE, entries);
}

static inline int cel_history_skip_repeats(History *list) {
    HistEvent event;
    return history(list, &event, H_SETUNIQUE, 1);
}

static inline int cel_history_enter(History *list, const char *line) {
    HistEvent event;
    return history(list, &event, H_ENTER, line);
}

static inline int cel_history_load(History *list, const char *path) {
    HistEvent event;
    return history(list, &event, H_LOAD, path);
}

static inline int cel_history_save(History *list, const char *path) {
    HistEvent event;
    return history(list, &event, H_SAVE, path);
}

// The standard streams are macros or globals, depending on the C library.
static inline FILE *cel_standard_input(void) { return stdin; }
static inline FILE *cel_standard_output(void) { return stdout; }
static inline FILE *cel_standard_error(void) { return stderr; }
