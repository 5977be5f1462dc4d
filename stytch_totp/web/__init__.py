"""The site: a middleware, decorators and pages for visitors who have a Django session."""
