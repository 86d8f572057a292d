/* The server: an adapter between HTTP and api.h. serve.c, or serve_none.c where
 * this was built without one. */
#ifndef EG_WATCH_SERVE_H
#define EG_WATCH_SERVE_H

#include "watch/model.h"

typedef struct egi_server egi_server;
/* As eg_watch_able. */
bool egi_server_able(char *text, size_t size);
/* Listens on 127.0.0.1; port 0: one that is free. m is borrowed. */
eg_status egi_server_open(egi_server **out, egi_model *m, int port,
                          eg_err *err);
void egi_server_close(egi_server *s);
const char *egi_server_address(const egi_server *s);
/* Streams of news look for some, and send a sign of life now and then. */
void egi_server_tell(egi_server *s);
/* Ends clients that take too long. */
void egi_server_tidy(egi_server *s);
/* Has anybody a page open, or asked for something lately? */
bool egi_server_busy(egi_server *s);

#endif
