/* Makes any program that uses OpenSSL write an NSS key log to the file named by SSLKEYLOGFILE.
 *
 * psql before 18 has no option for this. Loaded with LD_PRELOAD, this library stands in front of
 * SSL_CTX_new and gives every new context OpenSSL's own key log callback. No OpenSSL headers are
 * needed: the types are only passed through.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void keylog_callback(const void *ssl, const char *line);

static void write_line(const void *ssl, const char *line)
{
    const char *path = getenv("SSLKEYLOGFILE");
    FILE *file = path ? fopen(path, "a") : NULL;

    (void)ssl;
    if (!file)
        return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

void *SSL_CTX_new(const void *method)
{
    void *(*real_new)(const void *) = (void *(*)(const void *))dlsym(RTLD_NEXT, "SSL_CTX_new");
    void (*set_callback)(void *, keylog_callback *) =
        (void (*)(void *, keylog_callback *))dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");
    void *context = real_new ? real_new(method) : NULL;

    if (context && set_callback)
        set_callback(context, write_line);
    return context;
}
