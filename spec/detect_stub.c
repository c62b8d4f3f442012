#include "spec/detect.h"
const char *const *detect_languages(size_t *n){static const char *const v[]={"node","python"};*n=2;return v;}
int detect_application(const struct detect_input *in, struct arena *a, struct detected *r, struct err *e){(void)in;(void)a;(void)r;return err_set(e,ERR_USER,"stub");}
