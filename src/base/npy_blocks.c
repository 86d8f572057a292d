/* A .npy file of which blocks are read as values are asked for. */
#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/folder.h"

/* Reads the block from that byte on. */
static void fetch(egi_npy *m, int64_t at)
{
    ssize_t n;

    do n = pread(m->fd, m->block, sizeof m->block, at);
    while (n < 0 && errno == EINTR);
    m->block_at = at;
    m->n_block = n > 0 ? n : 0;
}

static eg_status look(egi_npy *m, int64_t bytes, const char *path, eg_err *err)
{
    size_t size = (size_t)bytes, at = 0;
    bool fortran = false;
    eg_status st;

    fetch(m, 0);
    if (m->n_block < (int64_t)sizeof m->block) size = (size_t)m->n_block;
    EG_TRY(egi_npy_data_at(&at, m->block, size, path, err));
    if ((int64_t)at > m->n_block)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected a header of at most %zu bytes", path,
                       sizeof m->block);
    EG_TRY(
        egi_npy_describe(&m->view, &at, &fortran, m->block, size, path, err));
    if (fortran)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected C order, found Fortran order", path);
    m->data_at = (int64_t)at;
done:
    return st;
}

/* The header alone is a whole array of no rows. */
static eg_status look_at_rows(egi_npy *m, int64_t size, const char *path,
                              eg_err *err)
{
    size_t at = 0, row = 0;
    bool fortran = false;
    eg_status st;

    fetch(m, 0);
    EG_TRY(egi_npy_data_at(&at, m->block, (size_t)m->n_block, path, err));
    m->data_at = (int64_t)at;
    EG_TRY(egi_npy_describe(&m->view, &at, &fortran, m->block, at, path, err));
    if (m->view.ndim > 0) {
        m->view.shape[0] = 1;
        (void)egi_view_bytes(&m->view, &row);
    }
    if (row == 0)
        return EG_FAIL(err, EG_EFORMAT, "%s: expected rows, found none", path);
    m->view.shape[0] = (eg_index)((size_t)(size - m->data_at) / row);
    m->grows = true;
done:
    return st;
}

/* Opens it and has its header looked at. */
static eg_status open_with(egi_npy *m, const eg_folder *in, const char *name,
                           eg_status (*look_at)(egi_npy *m, int64_t size,
                                                const char *path, eg_err *err),
                           eg_err *err)
{
    eg_status st = EG_OK;
    struct stat info;
    char path[EGI_PATH];

    *m = (egi_npy){.fd = -1};
    (void)egi_path_in(path, in, name);
    EG_TRY(eg_folder_fd(&m->fd, in, name, EG_READ, err));
    m->open = true;
    if (fstat(m->fd, &info) != 0)
        st = EGI_FAIL_ERRNO(err, path);
    else
        st = look_at(m, (int64_t)info.st_size, path, err);
done:
    if (st != EG_OK) egi_npy_close(m);
    return st;
}

eg_status egi_npy_open(egi_npy *m, const eg_folder *in, const char *name,
                       eg_err *err)
{
    return open_with(m, in, name, look, err);
}

eg_status egi_npy_open_rows(egi_npy *m, const eg_folder *in, const char *name,
                            eg_err *err)
{
    return open_with(m, in, name, look_at_rows, err);
}

double egi_npy_at(egi_npy *m, eg_index i)
{
    int64_t width = (int64_t)eg_dtype_size(m->view.dtype);
    int64_t at = m->data_at + i * width;
    eg_view one = {.dtype = m->view.dtype};

    if (at < m->block_at || at + width > m->block_at + m->n_block) fetch(m, at);
    if (at + width > m->block_at + m->n_block) {
        m->failed = true;
        return (double)NAN;
    }
    one.data = m->block + (at - m->block_at);
    return eg_view_at(&one, 0);
}

void egi_npy_close(egi_npy *m)
{
    if (m->open) (void)close(m->fd);
    *m = (egi_npy){.fd = -1};
}
