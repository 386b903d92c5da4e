// Linking at run time: cuLink….

#ifndef VGPU_DRIVER_LINK_H
#define VGPU_DRIVER_LINK_H

// In a forked child: see process.h.
void vgpu_links_forget(void);

#endif
