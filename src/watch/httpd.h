/* GNU libmicrohttpd, loaded when it is needed. */
#ifndef EG_WATCH_HTTPD_H
#define EG_WATCH_HTTPD_H

#include <microhttpd.h>
#include "engram/status.h"

#define EGI_HTTPD_CALLS(X)                                \
    X(MHD_start_daemon)                                   \
    X(MHD_stop_daemon)                                    \
    X(MHD_create_response_from_buffer)                    \
    X(MHD_create_response_from_buffer_with_free_callback) \
    X(MHD_create_response_from_callback)                  \
    X(MHD_destroy_response)                               \
    X(MHD_add_response_header)                            \
    X(MHD_queue_response)                                 \
    X(MHD_lookup_connection_value)                        \
    X(MHD_get_connection_info)                            \
    X(MHD_suspend_connection)                             \
    X(MHD_resume_connection)                              \
    X(MHD_get_version)

typedef struct egi_httpd {
    void *handle;
#define EGI_HTTPD_FIELD(call) __typeof__(&call) call;
    EGI_HTTPD_CALLS(EGI_HTTPD_FIELD)
#undef EGI_HTTPD_FIELD
} egi_httpd;

/* EG_EUNSUPPORTED: it is not installed. */
eg_status egi_httpd_load(egi_httpd *h, eg_err *err);
void egi_httpd_drop(egi_httpd *h);

#endif
