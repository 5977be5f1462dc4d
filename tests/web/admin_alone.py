"""The URLconf of a site that serves Django's admin and none of our pages."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
