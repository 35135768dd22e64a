import { Injectable, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Session } from 'agai-session';

@Injectable()
export class LoggedInGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<{ session: Session }>();
    if (!session.isLoggedIn()) throw new UnauthorizedException('log in first');
    return true;
  }
}
