// libedit: line editing for the console. el_set and history are variadic, which Swift cannot call; these
// say the few forms in use.
#pragma once
#include <histedit.h>
#include <stdio.h>

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
